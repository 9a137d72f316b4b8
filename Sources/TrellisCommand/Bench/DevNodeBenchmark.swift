import EventLoop
import Glibc
import Service

/// Size of the program `tinychain` on disk, and memory of its nodes three seconds after they listen.
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
    for (name, words) in [("dev node", ["dev"]), ("full node", ["node", "run"])] {
      let data = "\(directory.path)/\(words[0])"
      let process = try await devnet.launch(
        "tinychain-\(words[0])",
        program,
        words + ["--data-dir", data, "--port", "0", "--exit-with-parent"],
        without: "TINYCHAIN_"
      )
      _ = try await devnet.wait("the \(name) listens") { () -> Bool? in
        try await devnet.requireAlive(process)
        return access("\(data)/ports.json", F_OK) == 0 ? true : nil
      }
      try await loop.sleep(for: .seconds(3))
      guard let usage = process.usage else {
        throw CommandFailure("the idle \(name) does not run")
      }
      let promised = words == ["dev"] ? "16000000" : "64000000"
      report("idle \(name), RSS", "\(usage.residentBytes) bytes of \(promised) promised")
    }
  }.get()
}
