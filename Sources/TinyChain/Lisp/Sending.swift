/// How a message came to be.
struct Sending: Hashable, Sendable {
  enum Author: Sendable {
    /// Somebody outside, or a contract that writes what bytes it likes.
    case anyone
    /// A Lisp machine, which encodes the facets that it has and no other.
    case lisp
    /// A Lisp machine, through a facet that names the message.
    case facet
  }

  var author = Author.anyone
  /// The contract called, and those it calls, change nothing.
  var isView = false
}
