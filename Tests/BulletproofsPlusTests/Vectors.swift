import Curve25519
import Foundation
import Keccak
import Testing

@testable import BulletproofsPlus

/// Tests/Vectors/bulletproofsplus/bulletproofs-plus.json: five proofs and sixteen forgeries made by
/// an independent reference implementation.
struct VectorFile: Decodable {
  let misc: [String: String]
  let vectors: [Vector]

  static let shared: VectorFile = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appending(path: "Vectors/bulletproofsplus/bulletproofs-plus.json")
    do {
      return try JSONDecoder().decode(VectorFile.self, from: Data(contentsOf: path))
    } catch {
      fatalError("\(error)")
    }
  }()

  struct Vector: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let network_id: String
    let body_hash: String
    let entropy_seed: String?
    let m: Int
    let values: [String]?
    let blindings: [String]?
    let commitments: [String]
    let y: String?
    let z: String?
    let round_e: [String]?
    let final_e: String?
    let proof: String
    let valid: Bool

    var testDescription: String { name }

    var transcript: MerlinTranscript {
      statementTranscript(network: bytes(network_id), body: bytes(body_hash))
    }

    var openings: [Opening] {
      zip(values ?? [], blindings ?? []).map { value, blinding in
        guard let value = UInt64(value), let blinding = Scalar(canonical: encoding(blinding)) else {
          fatalError("vector \(name)")
        }
        return Opening(value: value, blinding: blinding)
      }
    }

    /// The claim, or why it cannot be read.
    func claim() throws(RangeProofFailure) -> RangeClaim {
      RangeClaim(
        try RangeProof(bytes(proof)),
        of: try Commitments(commitments.map(encoding)),
        transcript: transcript
      )
    }
  }
}

func statementTranscript(network: [UInt8], body: [UInt8]) -> MerlinTranscript {
  var transcript = MerlinTranscript(label: "MESH/v1/range-proof")
  transcript.append("network", network)
  transcript.append("body", body)
  return transcript
}

func bytes(_ hex: String) -> [UInt8] {
  let digits = hex.utf8.map { UInt8($0 > 57 ? $0 - 87 : $0 - 48) }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func hex(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

func encoding(_ hex: String) -> Encoding32 {
  guard let encoding = Encoding32(bytes(hex)) else { fatalError("32 bytes: \(hex)") }
  return encoding
}
