Long scans: a row of 2040 ones is walked from end to end and back 100 * 255 times

The row starts at cell 3: a counter of 255 goes ahead and leaves ones behind; eight times
>>>
-[[->+<]+>-]-[[->+<]+>-]-[[->+<]+>-]-[[->+<]+>-]
-[[->+<]+>-]-[[->+<]+>-]-[[->+<]+>-]-[[->+<]+>-]
Back to the empty cell before it; then to cell 0
<[<]<<
++++++++++[->++++++++++<]>[-<+>]<
[
 >-[>>[>]<[<]<-]
 <-
]
