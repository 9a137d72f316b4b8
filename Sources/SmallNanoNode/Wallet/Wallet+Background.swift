import EventLoop
import Kernel
import SmallNano

/// What the wallet does by itself: it finds work ahead, and receives.
extension Wallet {
  /// Begins to watch confirmations, for automatic receiving.
  public func start() {
    guard options.receivesAutomatically, watchTask == nil else { return }
    let events = access.events()
    watchTask = Task(executorPreference: loop) {
      for await event in events {
        if case .confirmed(let block) = event { await self.noticeConfirmation(of: block) }
      }
    }
    scheduleScan()
  }

  /// Locks the wallet and ends what it does by itself.
  public func stop() async {
    watchTask?.cancel()
    watchTask = nil
    if let scanTimer { loop.cancel(scanTimer) }
    scanTimer = nil
    await lock()
    await workTask?.value
  }

  // MARK: Receiving

  /// Events may be dropped when many come at once: a look at the ledger finds what they told.
  private static var scanInterval: Duration { .seconds(60) }

  private func scheduleScan() {
    scanTimer = loop.schedule(after: Self.scanInterval) {
      self.receiveInBackground(self.accounts)
      self.scheduleScan()
    }
  }

  private func noticeConfirmation(of block: LedgerBlock) {
    guard block.kind == .send else { return }
    let destination = Account(block.block.link)
    if accounts.contains(destination) { receiveInBackground([destination]) }
  }

  /// Receives what waits for own accounts, if the wallet is unlocked.
  func receiveInBackground(_ accounts: [Account]) {
    guard isUnlocked else { return }
    Task(executorPreference: loop) {
      for account in accounts {
        do {
          let blocks = try await self.receive(on: account)
          self.access.log.info(
            "received",
            ["account": "\(account)", "blocks": "\(blocks.count)"]
          )
        } catch WalletFailure.nothingReceivable, WalletFailure.locked {
          continue
        } catch {
          self.access.log.warn(
            "could not receive",
            ["account": "\(account)", "reason": "\(error)"]
          )
        }
      }
    }
  }

  // MARK: Work

  /// The work for an account's next block: what was found ahead, or a search.
  func work(for account: Account, root: Bytes32, threshold: UInt64) async throws -> UInt64 {
    if let ready = readyWork[account], ready.root == root,
      Work.value(nonce: ready.nonce, root: root) >= threshold
    {
      return ready.nonce
    }
    return try await search.nonce(for: root, threshold: threshold)
  }

  /// Finds the work of an account's next block ahead of time, at the higher threshold.
  func prepareWork(for account: Account) {
    guard isUnlocked, !workQueue.contains(account) else { return }
    workQueue.append(account)
    guard workTask == nil else { return }
    workTask = Task(executorPreference: loop) {
      await self.findQueuedWork()
    }
  }

  private func findQueuedWork() async {
    while let account = workQueue.first, !Task.isCancelled {
      workQueue.removeFirst()
      do {
        let head = try read { try $0.account(account) }?.head
        let root = head?.bytes ?? account.bytes
        guard readyWork[account]?.root != root else { continue }
        let threshold = access.parameters.workThresholds.send
        readyWork[account] = (root, try await search.nonce(for: root, threshold: threshold))
      } catch is CancellationError {
        break
      } catch {
        access.log.debug("no work ahead", ["account": "\(account)", "reason": "\(error)"])
      }
    }
    workTask = nil
    // Queued by a wallet that was unlocked again while this one ended.
    if let next = workQueue.popLast() { prepareWork(for: next) }
  }
}
