Loops in loops seven deep; the innermost body moves a sum along and clears it
now and then
++++++++[>++++++++[>++++++++[>++++++++[>++++++++[>++++++++[>++++++++++[
 >+>++<[->>+>[-]<<<]>[-]<<-
]>>>+<<<<-]<-]<-]<-]<-]<-]
>>>>>>>>>.
