import Testing

@testable import Commands

@Suite struct CompletionTests {
    private static let names = Completion.Names(
        profiles: { [.init(word: "default", description: ""), .init(word: "strict", description: "")] },
        images: { [.init(word: "host", description: "host"), .init(word: "python", description: "tree")] })

    private static func complete(_ words: String...) -> (words: [String], addition: Completion.Addition) {
        let completion = Completion(words, names: names)
        return (completion.candidates.map(\.word), completion.addition)
    }

    @Test(arguments: CorralCommand.commands)
    func `every option of every command is offered`(command: Command) {
        let name = command.name.split(separator: " ").map(String.init)
        let offered = Completion(name + ["-"], names: Self.names).candidates
        for option in command.options {
            #expect(offered.contains { $0.word == "--\(option.name)" && $0.description == option.help })
            if let short = option.short { #expect(offered.contains { $0.word == "-\(short)" }) }
        }
        for option in command.options {
            let words = Completion(name + ["--\(option.name)"], names: Self.names).candidates.map(\.word)
            #expect(words.contains("--\(option.name)"))
        }
    }

    @Test(arguments: CorralCommand.commands)
    func `the words of every command are offered unless it is hidden`(command: Command) {
        let words = command.name.split(separator: " ").map(String.init)
        for count in words.indices {
            let offered = Completion(Array(words[..<count]) + [""], names: Self.names).candidates
            if count == words.count - 1 {
                #expect(offered.contains { $0.word == words[count] } != command.isHidden)
            }
        }
    }

    @Test func `commands come by their beginning, below help and man as well`() {
        #expect(Self.complete("ru").words == ["run"])
        #expect(Self.complete("p").words.contains("ps") && Self.complete("help", "ps").words == ["ps"])
        #expect(Self.complete("ps", "--all-").words == ["--all-tenants"])
        #expect(Self.complete("ps", "-o", "j").words == ["json", "jsonl"])
        #expect(Self.complete("--v").words == ["--version"])
        #expect(Self.complete("help", "image", "i").words == ["inspect", "import"])
        #expect(Self.complete("man", "image", "i").words == ["inspect", "import"])
        #expect(Self.complete("image", "list", "").words == [])
        #expect(Self.complete("nothing", "").words == [])
        #expect(Self.complete().words.contains("run"))
    }

    @Test func `values are offered behind a space and behind an equals sign`() {
        #expect(Self.complete("run", "--profile", "").words == ["default", "strict"])
        #expect(Self.complete("run", "--profile=st").words == ["--profile=strict"])
        #expect(Self.complete("run", "--profile", "./").addition == .files)
        #expect(Self.complete("run", "--image", "p").words == ["python"])
        #expect(Self.complete("run", "--network=").words == ["--network=none", "--network=host"])
        #expect(Self.complete("run", "--network", "h").words == ["host"])
        #expect(Self.complete("run", "--report", "").addition == .files)
        #expect(Self.complete("run", "--workspace=").addition == .directories)
        #expect(Self.complete("run", "--memory", "").words == [])
        #expect(Self.complete("profile", "list", "-o", "").words == ["table", "json"])
        #expect(Self.complete("profile", "list", "-oj").words == [])
        #expect(Self.complete("completion", "").words == ["bash", "zsh", "fish"])
    }

    @Test func `operands are offered by what they are`() {
        #expect(Self.complete("profile", "diff", "").words == ["default", "strict"])
        #expect(Self.complete("profile", "diff", "default", "s").words == ["strict"])
        #expect(Self.complete("profile", "diff", "default", "strict", "").words == [])
        #expect(Self.complete("image", "inspect", "--json", "h").words == ["host"])
        #expect(Self.complete("image", "import", "name", "").addition == .files)
    }

    @Test func `a program ends what corral has to offer`() {
        #expect(Self.complete("run", "").addition == .programs)
        #expect(Self.complete("run", "-i", "--memory", "8MiB", "").addition == .programs)
        #expect(Self.complete("run", "--", "").addition == .programs)
        for words in [["run", "sh"], ["run", "--", "sh"], ["run", "-eA=b", "sh", "-c"]] {
            let completion = Completion(words + ["--"], names: Self.names)
            #expect(completion.candidates.isEmpty && completion.addition == .files, "\(words)")
        }
    }

    @Test func `an option that was given is offered again only where it repeats`() {
        let offered = Self.complete("run", "--json", "-eA=b", "--pids=3", "--").words
        #expect(!offered.contains("--json") && !offered.contains("--pids"))
        #expect(offered.contains("--env") && offered.contains("--memory"))
    }

    @Test func `the answer to a script has a line for each candidate and what the shell adds at the end`() {
        #expect(
            Completion(["run", "--net"], names: Self.names).text
                == "--network\tin place of the profile's network.mode\n:none")
        #expect(Completion(["run", ""], names: Self.names).text == ":programs")
    }
}
