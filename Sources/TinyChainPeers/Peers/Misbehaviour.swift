/// What a peer did that no honest one does, or not often.
public enum Misbehaviour: String, Sendable {
  /// What it sent cannot be read, or is no answer to what was asked.
  case unreadable
  /// A header that breaks a rule, or work that was not done.
  case invalidHeader
  /// It has less work than it said.
  case falseWork
  /// A block whose transactions are those of its header and do not come to what the header says.
  case invalidBlock
  /// Transactions that are not those of the header.
  case wrongBody
  /// A transaction that no honest node passes on.
  case invalidTransaction
  /// Headers that follow none of those it was asked about, or others than it had shown.
  case unconnected
  /// More than its share of requests.
  case flooding

  /// What it adds to the peer's score; at `scoreMax` the peer is banned.
  var score: Int {
    switch self {
    case .unreadable, .invalidHeader, .falseWork, .invalidBlock, .wrongBody, .invalidTransaction:
      Self.scoreMax
    case .unconnected: 25
    case .flooding: 1
    }
  }

  static let scoreMax = 100
}
