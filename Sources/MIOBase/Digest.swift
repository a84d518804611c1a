/// 64-bit FNV-1a of Fowler, Noll and Vo (RFC 9923): to compare texts that nobody forges.
@inlinable
package func digest(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
