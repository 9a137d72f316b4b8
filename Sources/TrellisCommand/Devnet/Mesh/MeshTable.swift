import Kernel

/// What MESH's story came to, in figures.
struct MeshTable: DevnetTable {
  struct Payment: Sendable {
    let what: String
    let certificate: String
    /// As the wallet tells them, in microseconds.
    let phases: JSON
  }

  struct Validator: Sendable {
    let index: Int
    let digest: String
    let certificates: UInt64
    /// As its audit found.
    let isSupplyIntact: Bool
    let usage: ProcessUsage
    let diskBytes: UInt64
  }

  let payments: [Payment]
  let validators: [Validator]
  let caughtUpMilliseconds: Int64
  /// Where the proof says that two were signed.
  let equivocation: String

  private static let phases = ["prove", "votes", "certificate", "settled"]

  var text: String {
    var rows = [["payment", "certificate"] + Self.phases.map { "\($0) ms" }]
    for payment in payments {
      rows.append(
        [payment.what, String(payment.certificate.prefix(16))]
          + Self.phases.map { phase in
            payment.phases[phase]?.integer(UInt64.self).map { TextTable.tenths($0, per: 1000) }
              ?? "-"
          }
      )
    }
    var text = "\n" + TextTable.columns(rows, left: 2)
    text += """

      Of an unlocked wallet: building and proving; votes of a quorum; the certificate stored; and
      applied by a quorum.


      """
    rows = [["validator", "RSS MB", "CPU s", "disk kB", "certificates", "state digest"]]
    for validator in validators {
      rows.append([
        "\(validator.index)",
        TextTable.tenths(validator.usage.residentBytes, per: 1_000_000),
        TextTable.tenths(validator.usage.processorMilliseconds, per: 1000),
        "\(validator.diskBytes / 1000)",
        "\(validator.certificates)",
        String(validator.digest.prefix(16)),
      ])
    }
    text += TextTable.columns(rows, left: 1)
    text += "\nThe killed validator had all \(caughtUpMilliseconds) ms after its start.\n"
    return text + "Proved: two payments signed at \(equivocation).\n"
  }

  var json: JSON {
    [
      "payments": .array(
        payments.map {
          [
            "what": .string($0.what),
            "certificate": .string($0.certificate),
            "phases_us": $0.phases,
          ]
        }
      ),
      "validators": .array(
        validators.map {
          [
            "validator": JSON($0.index),
            "digest": .string($0.digest),
            "certificates": JSON($0.certificates),
            "resident_bytes": JSON($0.usage.residentBytes),
            "processor_ms": JSON($0.usage.processorMilliseconds),
            "disk_bytes": JSON($0.diskBytes),
            "supply_intact": JSON($0.isSupplyIntact),
          ]
        },
      ),
      "caught_up_ms": JSON(caughtUpMilliseconds),
      "equivocation": .string(equivocation),
    ]
  }
}
