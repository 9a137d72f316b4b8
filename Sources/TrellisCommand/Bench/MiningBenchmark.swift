import CSodium
import Glibc
import Kernel
import Mining
import Poseidon2
import Service

/// The header that bench/sha256.c hashes.
private let header = (0..<NonceSearch.headerBytes).map { $0 < 172 ? UInt8($0) : 0 }

/// Proof of work in one thread: nonces a second by every path that this processor has, beside OpenSSL's
/// SHA-256 in C; and what checking a header costs.
///
/// A figure is the fastest of nine rounds, and each round measures every path once.
func benchmarkMining(openSSL program: String?) throws {
  print("proof of work, one thread")
  let openSSL = try program.map(measuredOpenSSL)
  for hash in NonceSearch.Hash.allCases { try benchmarkSearch(hash, openSSL: openSSL) }

  let hashes = 2000
  var figures: [(name: String, figure: Figure, work: () -> Void)] = [
    ("SHA-256d of a header, Kernel   ", Figure(per: hashes), { _ = SHA256.double(header) }),
    ("SHA-256d of a header, libsodium", Figure(per: hashes), sodiumDouble),
    ("Poseidon2 of a header          ", Figure(per: hashes), { _ = Poseidon2.hash(header) }),
  ]
  for _ in 0..<9 {
    for index in figures.indices {
      let work = figures[index].work
      figures[index].figure.measureThread { for _ in 0..<hashes { work() } }
    }
  }
  for (name, figure, _) in figures { print("  \(name)  \(decimal(figure.quantile(0))) ns") }
}

/// OpenSSL's nonces a second; it must have found the least hash where the search does.
private struct OpenSSLFigure {
  let rate: Double
  let nonce: UInt64
  static let nonces: UInt64 = 1 << 18
}

private func benchmarkSearch(_ hash: NonceSearch.Hash, openSSL: OpenSSLFigure?) throws {
  let searches = NonceSearch.Path.allCases.compactMap { NonceSearch(hash: hash, path: $0) }
  var figures = searches.map { search in
    // About 50 ms each.
    let nonces: UInt64 = search.path == .portable ? 1 << 15 : 1 << 19
    return (nonces: nonces, figure: Figure(per: Int(nonces)))
  }
  for _ in 0..<9 {
    for (index, search) in searches.enumerated() {
      let nonces = 0..<figures[index].nonces
      figures[index].figure.measureThread {
        precondition(search.search(header: header, target: .zero, nonces: nonces) == nil)
      }
    }
  }
  let least = { (figure: Figure) in figure.quantile(0) }
  guard let portable = figures.first.map({ least($0.figure) }) else { return }
  for (search, (_, figure)) in zip(searches, figures) {
    let name = "\(hash), \(search.path)"
    let rate = 1e3 / least(figure)
    var line = "  \(name)\(String(repeating: " ", count: max(0, 24 - name.count)))"
    line += "\(decimal(rate)) MH/s, \(decimal(portable / least(figure))) times the portable path's"
    if hash == .sha256d, let openSSL {
      line += ", \(decimal(rate / openSSL.rate)) times OpenSSL's"
      try check(search, openSSL)
    }
    print(line)
  }
  if hash == .sha256d, let openSSL {
    print("  sha256d, OpenSSL in C   \(decimal(openSSL.rate)) MH/s")
  }
}

/// The only nonce that is as good as the best that OpenSSL found is that one.
private func check(_ search: NonceSearch, _ openSSL: OpenSSLFigure) throws {
  let nonce = (0..<8).map { UInt8(truncatingIfNeeded: openSSL.nonce >> (8 * $0)) }
  let least = SHA256.double(header[..<172] + nonce)
  let nonces = 0..<OpenSSLFigure.nonces
  guard search.search(header: header, target: least, nonces: nonces) == openSSL.nonce else {
    throw CommandFailure("\(search.path) does not find what OpenSSL does")
  }
}

private func sodiumDouble() {
  var first = [UInt8](repeating: 0, count: 32)
  var second = first
  _ = crypto_hash_sha256(&first, header, UInt64(header.count))
  _ = crypto_hash_sha256(&second, first, 32)
}

/// What bench/sha256.c prints: seconds, nonce of the least hash.
private func measuredOpenSSL(_ program: String) throws -> OpenSSLFigure {
  guard !program.contains("'"), let pipe = popen("'\(program)' \(OpenSSLFigure.nonces) 9", "r")
  else { throw CommandFailure("\(program) cannot be started") }
  var line = [CChar](repeating: 0, count: 256)
  let isRead = fgets(&line, Int32(line.count), pipe) != nil
  guard pclose(pipe) == 0, isRead else { throw CommandFailure("\(program) failed") }
  let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let words = text.split { $0 == " " || $0 == "\n" }
  guard words.count == 2, let seconds = Double(words[0]), let nonce = UInt64(words[1]) else {
    throw CommandFailure("\(program) answers '\(text)'")
  }
  return OpenSSLFigure(rate: Double(OpenSSLFigure.nonces) / seconds / 1e6, nonce: nonce)
}
