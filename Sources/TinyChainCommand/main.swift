import Glibc

exit(await tinychain.run())
