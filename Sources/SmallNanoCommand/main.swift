import Glibc

exit(await smallnano.run())
