import Foundation
import Kernel

@testable import Mesh

/// Tests/Vectors/mesh/mesh.json: genesis, send, certificate, receive and equivocation, made by an
/// independent reference implementation.
struct MeshVectors: Decodable {
  struct Account: Decodable {
    let account: String
    let ed_seed: String
    let k_view: String
    let K_view: String
    let k_owner: String
    let k_eph: String
  }

  struct Transition: Decodable {
    let body: String
    let body_hash: String
    let proof: String
    let proof_hash: String
    let transition_hash: String
    let sign_message: String
    let signature: String
    let bytes: String
    let new_value: String
    let new_blinding: String
    let length: Int
  }

  struct Sizes: Decodable {
    let send: Int
    let receive: Int
    let certificate_send: Int
    let vote: Int
    let equivocation: Int
  }

  let master: String
  let alice: Account
  let bob: Account
  let validators: [String]
  let validator_set: String
  let validator_set_hash: String
  let genesis: String
  let network_id: String
  let alice_origin: String
  let genesis_balance: String
  let t1_send: Transition
  let vote_t1_v0: String
  let vote_message: String
  let certificate_t1: String
  let t2_receive: Transition
  let certificate_t2: String
  let t3_two_outputs: Transition
  let t3b_conflict: Transition
  let equivocation_proof: String
  let state_alice: String
  let state_alice_hash: String
  let state_bob: String
  let sizes: Sizes

  static let shared: MeshVectors = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .appending(path: "Vectors/mesh/mesh.json")
    do {
      return try JSONDecoder().decode(MeshVectors.self, from: Data(contentsOf: path))
    } catch {
      fatalError("\(error)")
    }
  }()
}

func bytes(_ hex: String) -> [UInt8] {
  guard let bytes = [UInt8](hex: hex) else { fatalError("not hexadecimal: \(hex)") }
  return bytes
}

func bytes32(_ hex: String) -> Bytes32 {
  guard let bytes = Bytes32(hex: hex) else { fatalError("not 32 bytes: \(hex)") }
  return bytes
}

func secret(_ hex: String) -> SecretBytes {
  var bytes = bytes(hex)
  return SecretBytes(wiping: &bytes)
}

extension SecretBytes {
  var hex: String { withUnsafeBytes { [UInt8]($0).hex } }
}
