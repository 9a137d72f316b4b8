import Kernel
import SmallNano
import Storage

/// Accounts and the numbers that stand for them, with the recently used ones in memory.
///
/// A number, once committed, keeps its account for ever, so a cached pair never goes stale.
final class AccountNumbers {
  /// Pairs in a generation; there are two, so some 16,000 pairs of 100 bytes at most.
  private static let generationMax = 8192

  private let database: Database
  /// When the young generation is full it becomes the old one, and the old one is forgotten; a pair
  /// used while old becomes young again.
  private var young = Generation()
  private var old = Generation()

  private struct Generation {
    var numbers: [Account: AccountNumber] = [:]
    var accounts: [AccountNumber: Account] = [:]
  }

  private let find: Statement
  private let read: Statement
  private let insert: Statement

  init(of database: Database) {
    self.database = database
    find = database.statement("SELECT id FROM accounts WHERE prefix = ? AND rest = ?")
    read = database.statement("SELECT prefix, rest FROM accounts WHERE id = ?")
    insert = database.statement(
      "INSERT INTO accounts (prefix, rest, height, confirmed) VALUES (?, ?, 0, 0)"
    )
  }

  /// Nil if no row names the account.
  func number(of account: Account) throws -> AccountNumber? {
    if let number = young.numbers[account] { return number }
    if let number = old.numbers[account] {
      keep(account, number)
      return number
    }
    let found = try find.first({ account.bind(to: &$0) }, read: { AccountNumber($0.integer(0)) })
    if let found { keep(account, found) }
    return found
  }

  /// Gives the account a number if it has none.
  func makeNumber(of account: Account) throws -> AccountNumber {
    if let number = try number(of: account) { return number }
    try insert.run { account.bind(to: &$0) }
    let number = AccountNumber(database.lastInsertedRow)
    keep(account, number)
    return number
  }

  func account(_ number: AccountNumber) throws -> Account {
    if let account = young.accounts[number] { return account }
    if let account = old.accounts[number] {
      keep(account, number)
      return account
    }
    let found = try read.first({ $0.bind(number.value) }, read: { try Account(row: $0, at: 0) })
    guard let found else { throw database.damaged("no account has the number \(number.value)") }
    keep(found, number)
    return found
  }

  private func keep(_ account: Account, _ number: AccountNumber) {
    if young.numbers.count >= Self.generationMax {
      old = young
      young = Generation()
    }
    young.numbers[account] = number
    young.accounts[number] = account
  }
}

extension Account {
  /// The key's first 8 bytes as an integer that sorts as they do.
  var prefix: Int64 { Int64(bitPattern: bytes.words.0.byteSwapped ^ 1 << 63) }

  /// The key's other 24 bytes.
  var rest: [UInt8] { Array(bytes.bytes[8...]) }

  /// Binds the two columns of a key.
  func bind(to parameters: inout Statement.Parameters) {
    parameters.bind(prefix)
    bytes.withUnsafeBytes { parameters.bind(UnsafeRawBufferPointer(rebasing: $0[8...])) }
  }

  /// Reads the two columns of a key.
  init(row: Statement.Row, at column: Int32) throws {
    let first = (UInt64(bitPattern: row.integer(column)) ^ 1 << 63).byteSwapped
    let rest = row.withBytes(column + 1) { rest in
      rest.count == 24
        ? (0..<3).map { rest.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self).littleEndian }
        : nil
    }
    guard let rest else { throw row.damaged("an account's key has another length") }
    self.init(Bytes32(words: (first, rest[0], rest[1], rest[2])))
  }
}
