import TestSupport

/// Holds handlers until a test opens it.
actor Gate {
  private var isOpen = false
  private(set) var entered = 0
  private(set) var cancelled = 0
  private let waiting = Waiting()

  func pass() async {
    entered += 1
    waiting.changed()
    await waiting.until { self.isOpen }
  }

  func open() {
    isOpen = true
    waiting.changed()
  }

  func noteCancelled() {
    cancelled += 1
    waiting.changed()
  }

  func waitUntil(entered count: Int) async {
    await waiting.until { self.entered >= count }
  }

  func waitUntil(cancelled count: Int) async {
    await waiting.until { self.cancelled >= count }
  }
}
