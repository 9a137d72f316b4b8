import Kernel
import Service

private let file = Argument("file", .string, help: "A JSON file of vectors")

/// A megabyte is some thousand proofs.
private let bytesMax = 16 << 20

let vectorsCommand = Command(
  "vectors",
  summary: "Checks test vectors that others made",
  subcommands: [
    Command(
      "check",
      summary: "Recomputes each case of a file and says what differs",
      discussion: """
        The file is an object with "about" or "source", and "vectors": a list of objects, each with \
        "name" and "valid". Every other top-level key counts as a case of its own. The status is 0 \
        only if every case is ok.
        """,
      examples: [
        .init("trellis vectors check proofs.json", "One line for each case: ok, or FAIL and why")
      ],
      arguments: [file]
    ) { call in
      try checkVectors(call[file])
    }
  ]
)

/// What was found of one case.
struct VectorOutcome {
  let name: String
  /// Empty if all of it is as the file says.
  let differences: [String]

  var line: String {
    differences.isEmpty
      ? "ok   \(name)\n" : "FAIL \(name): \(differences.joined(separator: "; "))\n"
  }
}

private func checkVectors(_ path: String) throws {
  let bytes: [UInt8]
  do throws(FileFailure) {
    bytes = try PrivateFile.read(path, bytesMax: bytesMax)
  } catch {
    throw CommandFailure("\(error)", status: 2)
  }
  let json: JSON
  do throws(JSONFailure) {
    json = try JSON(parsing: bytes, limits: JSON.Limits(bytesMax: bytesMax))
  } catch {
    throw CommandFailure("\(path) is not JSON: \(error)", status: 2)
  }
  let outcomes = try vectorOutcomes(json, path: path)
  for outcome in outcomes { Terminal.standard.print(outcome.line) }
  let failures = outcomes.count { !$0.differences.isEmpty }
  guard failures == 0 else {
    throw CommandFailure("\(failures) of \(outcomes.count) cases differ")
  }
}

/// One outcome for each case of a file.
private func vectorOutcomes(_ json: JSON, path: String) throws -> [VectorOutcome] {
  guard let object = json.object else {
    throw CommandFailure("\(path) holds no object but \(json.kind)", status: 2)
  }
  guard json["about"]?.string != nil || json["source"]?.string != nil else {
    throw CommandFailure(#"\#(path) says neither "about" nor "source""#, status: 2)
  }
  guard let vectors = json["vectors"]?.array, !vectors.isEmpty else {
    throw CommandFailure(#"\#(path) has no list "vectors": its kind is unknown"#, status: 2)
  }
  guard vectors.allSatisfy({ $0["proof"] != nil && $0["commitments"] != nil }) else {
    throw CommandFailure(
      "\(path) is of an unknown kind: not every vector is a range proof",
      status: 2
    )
  }
  var outcomes: [VectorOutcome] = []
  for member in object.members where !["about", "source", "vectors"].contains(member.key) {
    outcomes.append(RangeProofVector.outcome(topLevel: member.key, member.value))
  }
  for (index, vector) in vectors.enumerated() {
    outcomes.append(
      VectorOutcome(
        name: vector["name"]?.string ?? "vector \(index)",
        differences: RangeProofVector.differences(vector)
      )
    )
  }
  return outcomes
}
