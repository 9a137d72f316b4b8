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
    receiveInBackground(accounts)
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
    if owns(destination) { receiveInBackground([destination]) }
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
  ///
  /// What is found ahead waits meanwhile. Nothing is lost by that: a search has no memory, each
  /// nonce is as likely as the last.
  func work(for account: Account, root: Bytes32, threshold: UInt64) async throws -> UInt64 {
    if let ready = readyWork[account], ready.root == root,
      Work.value(nonce: ready.nonce, root: root) >= threshold
    {
      return ready.nonce
    }
    urgentSearches += 1
    defer {
      urgentSearches -= 1
      continueWork()
    }
    workTask?.cancel()
    return try await search.nonce(for: root, threshold: threshold)
  }

  /// Finds the work of an account's next block ahead of time, at the higher threshold.
  func prepareWork(for account: Account) {
    guard isUnlocked, !workQueue.contains(account) else { return }
    workQueue.append(account)
    continueWork()
  }

  private func continueWork() {
    guard workTask == nil, urgentSearches == 0, !workQueue.isEmpty else { return }
    workTask = Task(executorPreference: loop) {
      await self.findQueuedWork()
    }
  }

  private func findQueuedWork() async {
    while let account = workQueue.first, !Task.isCancelled {
      do {
        let root = try read { try $0.account(account) }?.head.bytes ?? account.bytes
        if readyWork[account]?.root != root {
          let threshold = access.parameters.workThresholds.send
          readyWork[account] = (root, try await search.nonce(for: root, threshold: threshold))
        }
      } catch is CancellationError {
        break  // the account stays in the queue, unless the wallet was locked
      } catch {
        access.log.debug("no work ahead", ["account": "\(account)", "reason": "\(error)"])
      }
      workQueue.removeAll { $0 == account }
    }
    workTask = nil
    continueWork()
  }
}
