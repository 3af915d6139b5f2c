/// How many columns of a terminal a text takes.
///
/// Counted as terminals do: ideographs and emoji two, what is put onto the character before it none. An
/// emoji made of several counts as the first of them; terminals that know no such emoji show the parts and
/// take more.
package enum DisplayWidth {
    /// 0, 1 or 2. Control characters have no width that could be told and count as one: text that is shown
    /// has them escaped.
    package static func of(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch scalar.value {
        // Medial and final letters of Hangul, drawn into the syllable's square; a joiner.
        case 0x1160...0x11FF, 0xD7B0...0xD7FF, 0x200D: return 0
        default: return WideCharacters.contains(scalar) ? 2 : 1
        }
    }

    package static func of(_ text: some StringProtocol) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + of($1) }
    }

    /// Of what a reader takes for one character.
    package static func of(_ character: Character) -> Int {
        var width = 0
        var base: Unicode.Scalar?
        var isJoined = false
        for scalar in character.unicodeScalars {
            defer { isJoined = scalar == "\u{200D}" }
            if let base {
                // Joined emoji are one picture, a tone of skin colours the one before it, and selector 16
                // asks for the picture in place of the sign.
                if isJoined, scalar.properties.isEmoji { continue }
                if scalar.properties.isEmojiModifier, base.properties.isEmojiModifierBase { continue }
                if scalar == "\u{FE0F}", width == 1, base.properties.isEmoji { width = 2 }
            } else {
                base = scalar
            }
            width += of(scalar)
        }
        return width
    }

    /// The text if it fits, else as much as fits with `…` behind it; nothing of a character is cut off.
    package static func cut(_ text: String, to columns: Int) -> String {
        guard of(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var result = ""
        var width = 0
        for character in text {
            let next = of(character)
            if width + next > columns - 1 { break }
            result.append(character)
            width += next
        }
        return result + "…"
    }

    /// With spaces behind or, for numbers, before it.
    package static func padded(_ text: String, to columns: Int, atEnd isRight: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, columns - of(text)))
        return isRight ? spaces + text : text + spaces
    }
}
