import Glibc

exit(await trellis.run())
