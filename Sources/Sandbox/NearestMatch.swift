/// The candidate that somebody who wrote `word` most likely meant; nil when none is close.
///
/// Close is: at most one slip (a letter missing, added, changed, or two neighbours swapped) for
/// every three letters, without regard to case; or `word` begins exactly one candidate. Of equally
/// close candidates the first is taken.
package func nearestMatch(to word: String, in candidates: some Sequence<String>) -> String? {
    // Longer words are no slip of a name, and the distance takes time by the product of the lengths.
    guard (1...64).contains(word.utf8.count) else { return nil }
    let letters = folded(word)
    let allowed = max(1, letters.count / 3)
    var best: (candidate: String, distance: Int)?
    var begun: [String] = []
    for candidate in candidates where candidate.utf8.count <= 64 {
        let other = folded(candidate)
        let distance = distance(from: letters, to: other)
        if distance <= allowed, distance < max(letters.count, other.count), distance < best?.distance ?? .max
        {
            best = (candidate, distance)
        }
        if letters.count >= 2, other.starts(with: letters) { begun.append(candidate) }
    }
    return best?.candidate ?? (begun.count == 1 ? begun.first : nil)
}

/// `did you mean memory?`, the cure of a message; nil when no candidate is close.
package func suggestion(for word: String, in candidates: some Sequence<String>) -> String? {
    nearestMatch(to: word, in: candidates).map { "did you mean \($0)?" }
}

private func folded(_ word: String) -> [UInt8] {
    word.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
}

/// The least number of insertions, removals, changes and swaps of neighbours between two words:
/// the restricted Damerau-Levenshtein distance, by rows.
private func distance(from left: [UInt8], to right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let change = left[row] == right[column] ? 0 : 1
            var cost = min(last[column] + change, last[column + 1] + 1, current[column] + 1)
            let swapped =
                row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column]
            if swapped { cost = min(cost, beforeLast[column - 1] + 1) }
            current.append(cost)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
