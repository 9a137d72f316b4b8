import CLinux
import Glibc

/// Starts a joinable thread that leaves every signal to others.
func startThread(
  name: String,
  stackSize: Int,
  _ body: @escaping () -> Void
) throws(SystemFailure) -> pthread_t {
  final class Start {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }

  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setstacksize(&attributes, stackSize)
  let start = Unmanaged.passRetained(Start(name: name, body: body))
  var thread = pthread_t()
  let code = pthread_create(
    &thread,
    &attributes,
    { argument in
      // The braces end the life of `start` before the thread's.
      do {
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        clinux_signals_block_all()
        clinux_name_thread(String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
        start.body()
      }
      return nil
    },
    start.toOpaque()
  )
  guard code == 0 else {
    start.release()
    throw SystemFailure("start a thread", code: code)
  }
  return thread
}
