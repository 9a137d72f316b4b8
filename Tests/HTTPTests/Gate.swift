/// Holds handlers until a test opens it.
actor Gate {
  private var isOpen = false
  private(set) var entered = 0
  private(set) var cancelled = 0
  private var held: [CheckedContinuation<Void, Never>] = []
  private var watchers: [(() -> Bool, CheckedContinuation<Void, Never>)] = []

  func pass() async {
    entered += 1
    changed()
    if !isOpen { await withCheckedContinuation { held.append($0) } }
  }

  func open() {
    isOpen = true
    for continuation in held { continuation.resume() }
    held = []
  }

  func noteCancelled() {
    cancelled += 1
    changed()
  }

  func waitUntil(entered count: Int) async {
    await wait { self.entered >= count }
  }

  func waitUntil(cancelled count: Int) async {
    await wait { self.cancelled >= count }
  }

  private func wait(_ condition: @escaping () -> Bool) async {
    if condition() { return }
    await withCheckedContinuation { watchers.append((condition, $0)) }
  }

  private func changed() {
    for (condition, continuation) in watchers where condition() { continuation.resume() }
    watchers.removeAll { $0.0() }
  }
}
