// How a shell would split the lines of examples; enough of it for those that there are.

/// The simple commands of a line, without what they are redirected to.
func shellCommands(_ line: String) -> [[String]] {
    var commands: [[String]] = [[]]
    var word: String?
    var quote: Character?
    var skipsWord = false
    func isSeparator(_ character: Character) -> Bool { "|&;()".contains(character) }
    func finish() {
        if let done = word, !skipsWord { commands[commands.count - 1].append(done) }
        if word != nil { skipsWord = false }
        word = nil
    }
    for character in line {
        if let open = quote {
            if character == open { quote = nil } else { word = (word ?? "") + String(character) }
        } else if character == "'" || character == "\"" {
            quote = character
            word = word ?? ""
        } else if character == " " {
            finish()
        } else if isSeparator(character) {
            finish()
            skipsWord = false
            commands.append([])
        } else if character == "<" || character == ">" {
            finish()
            skipsWord = true
        } else {
            word = (word ?? "") + String(character)
        }
    }
    finish()
    return commands.filter { !$0.isEmpty }
}
