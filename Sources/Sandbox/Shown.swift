/// A path or a name that somebody gave, as a message shows it: as it is where that is one line of at
/// most 200 bytes, else with control characters escaped and the rest of a long one left out.
package func shown(_ text: String) -> String {
    let length = text.utf8.count
    let isLong = length > 200
    let result = escapingControls((isLong ? text.prefix(80) : text[...]).unicodeScalars)
    return isLong ? "\(result)... (\(length) bytes)" : result
}

/// Text as one line of a terminal: what moves a cursor, ends a line, changes the direction of writing or
/// has no meaning is escaped.
package func escapingControls(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var result = ""
    for scalar in scalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
