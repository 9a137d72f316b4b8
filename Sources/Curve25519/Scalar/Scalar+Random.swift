extension Scalar {
  /// A uniform scalar: 512 random bits modulo ℓ.
  public static func random(using random: inout some RandomNumberGenerator) -> Scalar {
    func half(_ random: inout some RandomNumberGenerator) -> Encoding32 {
      Encoding32(words: (random.next(), random.next(), random.next(), random.next()))
    }
    let low = half(&random)
    return Scalar(reducing: low, half(&random))
  }
}
