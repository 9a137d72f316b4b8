import Synchronization

/// Memory for the bodies of requests, shared by all connections of a server.
///
/// A body takes all of its announced length before a byte of it is read on, so one that has begun is
/// never short of memory, and two that have begun cannot wait for each other.
final class HTTPBodyBudget: Sendable {
  let bytesMax: Int
  private let taken = Atomic(0)

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  var bytesTaken: Int { taken.load(ordering: .relaxed) }
  var bytesFree: Int { bytesMax - bytesTaken }

  /// Takes so many bytes; nil, with nothing taken, if there are fewer.
  func claim(_ length: Int) -> HTTPBodyClaim? {
    let (_, total) = taken.add(length, ordering: .relaxed)
    guard total <= bytesMax else {
      giveBack(length)
      return nil
    }
    return HTTPBodyClaim(length, of: self)
  }

  fileprivate func giveBack(_ length: Int) {
    taken.subtract(length, ordering: .relaxed)
  }
}

/// Memory that a body has taken.
///
/// It is given back at the claim's end, whichever way that comes: the session holds the claim while
/// the body is read, the request after that.
final class HTTPBodyClaim: Sendable {
  let length: Int
  private let budget: HTTPBodyBudget

  fileprivate init(_ length: Int, of budget: HTTPBodyBudget) {
    (self.length, self.budget) = (length, budget)
  }

  deinit { budget.giveBack(length) }
}

extension HTTPServerLimits {
  /// What a client reads whose body finds no memory.
  var noRoomResponse: HTTPResponse {
    let seconds = bodyPatience.components.seconds + 1
    var response = HTTPResponse(
      status: 503,
      text: "the bodies under way take all memory that the server has for them; "
        + "send this again in \(seconds) s (up to \(smallBodyMax) bytes are taken at any time)\n"
    )
    response.fields.append("retry-after", "\(seconds)")
    return response
  }
}
