/// A path or a name that somebody gave, as a message shows it: as it is where that is one line of at
/// most 200 bytes, else with control characters escaped and the rest of a long one left out.
package func shown(_ text: String) -> String {
    let length = text.utf8.count
    let isLong = length > 200
    var result = ""
    for scalar in (isLong ? text.prefix(80) : text[...]).unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return isLong ? "\(result)... (\(length) bytes)" : result
}
