import Mesh
import Testing

@Suite("Amounts as people write them") struct DecimalAmountTests {
  private func asset(_ decimals: UInt8) -> Genesis.Asset {
    Genesis.Asset(id: Genesis.assetID, decimals: decimals, symbol: "T", supply: .zero)
  }

  @Test(
    "They are read and written with the asset's decimals",
    arguments: [
      ("0", 0, 0), ("500", 0, 500), ("12.5", 2, 1250), ("0.05", 2, 5), ("7", 2, 700),
      ("18446744073709551615", 0, UInt64.max), ("184467440737095516.15", 2, UInt64.max),
      ("0.0000000000000000001", 19, 1), ("1.8446744073709551615", 19, UInt64.max),
    ] as [(String, UInt8, UInt64)]
  )
  func roundTrip(text: String, decimals: UInt8, units: UInt64) {
    #expect(asset(decimals).amount(text) == Amount(units))
    #expect(asset(decimals).decimalText(Amount(units)) == text)
  }

  @Test(
    "Anything else is refused",
    arguments: [
      "", ".", "1.", ".5", "01", "1.005", "-1", "+1", "1e3", " 1", "1 ", "1,5", "1.2.3", "٣",
      "184467440737095516.16", "99999999999999999999",
    ]
  )
  func refusals(text: String) {
    #expect(asset(2).amount(text) == nil)
  }
}
