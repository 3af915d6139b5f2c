import Sandbox

/// Text of others, fit for a cell: one line that moves no cursor, changes no direction and hides nothing.
package enum SafeText {
    /// Control characters, joiners, marks of direction and what has no meaning are written as `\u{1b}`;
    /// joiners inside of emoji stay.
    package static func of(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = ""
        for character in text {
            if isEmoji(character) {
                result.append(character)
            } else {
                result += escapingControls(character.unicodeScalars)
            }
        }
        return result
    }

    /// Whether it is several emoji in one picture.
    private static func isEmoji(_ character: Character) -> Bool {
        let scalars = character.unicodeScalars
        guard scalars.count > 2, scalars.last != "\u{200D}" else { return false }
        return scalars.allSatisfy { scalar in
            scalar == "\u{200D}" || scalar == "\u{FE0F}"
                || scalar.value > 0x7F && scalar.properties.isEmoji
                    && scalar.properties.generalCategory != .unassigned
        }
    }
}
