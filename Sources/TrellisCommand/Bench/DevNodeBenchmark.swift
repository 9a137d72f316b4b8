import EventLoop
import Glibc
import Service

/// Size of the program `tinychain` on disk, and memory of its dev node three seconds after it listens.
func benchmarkDevNode(program: String) async throws {
  var status = stat()
  guard stat(program, &status) == 0 else { throw CommandFailure("\(program) cannot be read") }
  report("tinychain on disk", "\(status.st_size) bytes of 10000000 promised")

  let loop = try EventLoop(name: "bench")
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: loop)
  let directory = try TemporaryDirectory()
  defer { directory.remove() }
  let devnet = Devnet(directory: directory.path, on: loop) { line in
    Terminal.standard.printError(line)
  }
  try await devnet.run([], signals: signals, staysUp: false) {
    let tools = TinyChainTools(devnet, program: program)
    try await tools.start()
    try await loop.sleep(for: .seconds(3))
    guard let usage = await tools.process?.usage else {
      throw CommandFailure("the idle dev node does not run")
    }
    report("idle dev node, RSS", "\(usage.residentBytes) bytes of 16000000 promised")
  }.get()
}
