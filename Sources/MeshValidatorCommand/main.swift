import Glibc

exit(await meshValidator.run())
