/// "1 rank", "2 ranks"; "1 class", "2 classes".
/// - Parameter plural: the plural of `noun`, if it is not `noun` with an s.
package func counted(_ number: Int, _ noun: String, plural: String? = nil) -> String {
    "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
}
