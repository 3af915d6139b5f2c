/// A number as profiles, images and options write it: its unit and the values it may have.
package struct Quantity: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case count
        /// `4096`, `64KiB`, `8MiB`, `1GiB`, `2TiB`; the value is in bytes.
        case size
        /// `2`, `0.5`, `1.125`; the value is in thousandths.
        case cpus
        /// `500ms`, `30s`, `5m`, `1h`; the value is in milliseconds.
        case duration
        /// `0644`; permission bits.
        case mode
    }

    package let kind: Kind
    package let range: ClosedRange<UInt64>
    /// Whether `none` may be written in place of a value.
    package let orNone: Bool

    package init(_ kind: Kind, _ range: ClosedRange<UInt64>, orNone: Bool = false) {
        self.kind = kind
        self.range = range
        self.orNone = orNone
    }

    /// The value that `text` writes.
    package func read(_ text: String) throws(ValueError) -> UInt64 {
        let bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: "-"), bytes.count > 1, isDigit(bytes[1]) {
            throw ValueError("\(quoted(text)) must not be negative; expected \(expectedRange)")
        }
        switch parse(bytes[...]) {
        case .malformed:
            throw ValueError("\(quoted(text)) is not \(noun); expected \(form)")
        case .overflow:
            throw ValueError("\(quoted(text)) is too large; expected \(expectedRange)")
        case .value(let value):
            if value < range.lowerBound {
                throw ValueError("\(quoted(text)) is too small; expected \(expectedRange)")
            }
            if value > range.upperBound {
                throw ValueError("\(quoted(text)) is too large; expected \(expectedRange)")
            }
            return value
        }
    }

    /// The value that `text` writes; nil for `none` where that is allowed.
    package func readOrNone(_ text: String) throws(ValueError) -> UInt64? {
        if orNone, text == "none" { return nil }
        return try read(text)
    }

    /// `value` in the largest unit that needs no fraction; ``read(_:)`` reads it back.
    package func write(_ value: UInt64) -> String {
        switch kind {
        case .count: return String(value)
        case .mode:
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: max(1, 4 - digits.count)) + digits
        case .cpus:
            let fraction = value % 1000
            guard fraction > 0 else { return String(value / 1000) }
            var digits = String(1000 + fraction).dropFirst()
            while digits.last == "0" { digits = digits.dropLast() }
            return "\(value / 1000).\(digits)"
        case .size, .duration:
            let unit = units.last { value > 0 && value.isMultiple(of: $0.scale) }
            return unit.map { "\(value / $0.scale)\($0.name)" } ?? "\(value)\(kind == .duration ? "ms" : "")"
        }
    }

    // MARK: Messages

    /// What the value is called, with its article: `a size`.
    var noun: String {
        switch kind {
        case .count: "a whole number"
        case .size: "a size"
        case .cpus: "a number of cpus"
        case .duration: "a duration"
        case .mode: "a file mode"
        }
    }

    private var form: String {
        let form =
            switch kind {
            case .count: "decimal digits without a leading zero"
            case .size: "a whole number of bytes or one with KiB, MiB, GiB or TiB, such as 64MiB"
            case .cpus: "a number with at most three decimals, such as 2 or 0.5"
            case .duration: "a whole number with ms, s, m or h, such as 30s"
            case .mode: "octal digits behind a zero, such as 0644"
            }
        return orNone ? form + ", or none" : form
    }

    /// What tables in the documentation call it: `size`.
    package var kindName: String {
        switch kind {
        case .count: "number"
        case .size: "size"
        case .cpus: "cpus"
        case .duration: "duration"
        case .mode: "file mode"
        }
    }

    /// `1 to 64KiB, or none`.
    package var expectedRange: String {
        "\(write(range.lowerBound)) to \(write(range.upperBound))\(orNone ? ", or none" : "")"
    }

    // MARK: Reading

    private enum Reading {
        case value(UInt64)
        case overflow
        case malformed
    }

    private struct Unit {
        let name: String
        let scale: UInt64
    }

    /// In rising order.
    private var units: [Unit] {
        kind == .duration
            ? [
                Unit(name: "ms", scale: 1), Unit(name: "s", scale: 1000),
                Unit(name: "m", scale: 60_000), Unit(name: "h", scale: 3_600_000),
            ]
            : [
                Unit(name: "KiB", scale: 1 << 10), Unit(name: "MiB", scale: 1 << 20),
                Unit(name: "GiB", scale: 1 << 30), Unit(name: "TiB", scale: 1 << 40),
            ]
    }

    private func parse(_ text: ArraySlice<UInt8>) -> Reading {
        let digits = text.prefix(while: isDigit)
        let rest = text[digits.endIndex...]
        switch kind {
        case .count: return rest.isEmpty ? number(digits) : .malformed
        case .mode:
            let octal = digits.dropFirst()
            guard digits.first == UInt8(ascii: "0"), !octal.isEmpty, rest.isEmpty,
                octal.allSatisfy({ $0 < UInt8(ascii: "8") })
            else { return .malformed }
            return positional(octal, base: 8)
        case .cpus: return cpus(digits, rest)
        case .size where rest.isEmpty: return number(digits)
        case .size, .duration:
            guard let unit = units.first(where: { $0.name.utf8.elementsEqual(rest) }) else {
                return .malformed
            }
            return scaled(number(digits), by: unit.scale)
        }
    }

    private func cpus(_ whole: ArraySlice<UInt8>, _ rest: ArraySlice<UInt8>) -> Reading {
        let decimals = rest.dropFirst()
        let wellFormed = rest.first == UInt8(ascii: ".") && (1...3).contains(decimals.count)
        guard rest.isEmpty || wellFormed && decimals.allSatisfy(isDigit) else { return .malformed }
        let padded = Array(decimals) + Array(repeating: UInt8(ascii: "0"), count: 3 - decimals.count)
        let count = scaled(number(whole), by: 1000)
        guard case .value(let thousandths) = count,
            case .value(let fraction) = positional(padded[...], base: 10)
        else { return count }
        let (sum, overflow) = thousandths.addingReportingOverflow(fraction)
        return overflow ? .overflow : .value(sum)
    }

    private func scaled(_ reading: Reading, by scale: UInt64) -> Reading {
        guard case .value(let value) = reading else { return reading }
        let (product, overflow) = value.multipliedReportingOverflow(by: scale)
        return overflow ? .overflow : .value(product)
    }

    /// A leading zero is refused: to other readers of YAML `010` is eight.
    private func number(_ digits: ArraySlice<UInt8>) -> Reading {
        if digits.isEmpty || digits.count > 1 && digits.first == UInt8(ascii: "0") { return .malformed }
        return positional(digits, base: 10)
    }

    private func positional(_ digits: ArraySlice<UInt8>, base: UInt64) -> Reading {
        var value: UInt64 = 0
        for digit in digits {
            let (product, tooLarge) = value.multipliedReportingOverflow(by: base)
            let (sum, carried) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            if tooLarge || carried { return .overflow }
            value = sum
        }
        return .value(value)
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
