import Glibc

// A caller that has gone away is an error of the write, not the end of this process.
signal(SIGPIPE, SIG_IGN)
exit(await program.run())
