import Glibc
import Kernel
import MeshWalletNode
import Service
import Synchronization

private let execute = Option<String?>(
  "exec",
  .optional(.string("COMMAND")),
  default: nil,
  scope: .commandLine,
  help: "Run this by /bin/sh for each payment, with its JSON on standard input"
)

/// `mesh-wallet watch`.
let watchCommand = Command(
  "watch",
  summary: "Tell of each payment as it arrives, until interrupted",
  discussion: """
    A payment is final when it is told; `receive` takes it into the balance. --exec runs one command \
    after the other, each with MESH_CERTIFICATE, MESH_OUTPUT and MESH_AMOUNT, in the smallest unit, \
    in its environment. Who paid, and the memo, which is any text that the payer chose, stand only in \
    the JSON.
    """,
  examples: [
    .init("mesh-wallet watch", "At a till; a watch-only wallet does"),
    .init("mesh-wallet watch --exec 'jq -r .amount >> income'", "Keep a list"),
    .init("mesh-wallet watch --json", "A line of JSON for each payment"),
  ],
  options: CommonOptions.network + [execute],
  run: WalletCall.run { call in
    let command = call.call[execute]
    let runner = command.map { PaymentCommand($0) }
    let progress = ProgressView()
    let isJSON = call.isJSON
    let heading = Mutex(JSON.object(.init()))
    _ = try await call.perform(.watch) { event in
      switch event["event"]?.string {
      case "received":
        let line =
          isJSON
          ? event.text
          : "+\(heading.withLock { $0 }.amount(event["amount"]))  from \(event.text("from"))"
            + "  \(event.text("certificate"))\(event.memoText)"
        Terminal.standard.print(line + "\n")
        runner?.add(event)
      case "watching":
        heading.withLock { $0 = event }
        progress.end()
      default: progress.show(event)
      }
    }
  }
)

/// Runs the command of `--exec`, one payment after the other, on a thread of its own.
private final class PaymentCommand: Sendable {
  private let command: String
  private let events: AsyncStream<JSON>.Continuation

  /// Payments that wait for the command; later ones are told and not run for.
  private static let waitingMax = 10_000

  init(_ command: String) {
    self.command = command
    let (stream, continuation) = AsyncStream.makeStream(
      of: JSON.self,
      bufferingPolicy: .bufferingOldest(Self.waitingMax)
    )
    events = continuation
    Task.detached {
      // It waits for children, which holds up nobody: nothing else runs on the shared pool here.
      for await event in stream { Self.run(command, event) }
    }
  }

  func add(_ event: JSON) {
    if case .dropped = events.yield(event) {
      Terminal.standard.printError("warning: the command is too slow; a payment was not run for\n")
    }
  }

  private static func run(_ command: String, _ event: JSON) {
    // The wallet's secret is not the command's.
    unsetenv("MESH_WALLET_PASSWORD")
    for (name, key) in [
      ("MESH_CERTIFICATE", "certificate"), ("MESH_OUTPUT", "output"), ("MESH_AMOUNT", "amount"),
    ] {
      setenv(name, event.text(key), 1)
    }
    guard let pipe = popen(command, "w") else {
      return Terminal.standard.printError("error: cannot run the command\n")
    }
    fputs(event.text + "\n", pipe)
    let status = pclose(pipe)
    if status != 0 {
      Terminal.standard.printError(
        "warning: the command ended with status \(status >> 8 & 0xff)\n"
      )
    }
  }
}
