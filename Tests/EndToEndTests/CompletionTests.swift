import TestSupport
import Testing

/// The completion scripts in the shells that they are for.
@Suite struct ShellCompletionTests {
    /// Bash cuts the line into words as readline does, at spaces and at the characters of COMP_WORDBREAKS,
    /// and calls the function. Prints what it offers, a word a line.
    private static let bash = #"""
        set -u
        source <(corral completion bash)
        COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=() rest=$1
        while [[ -n $rest ]]; do
            if [[ $rest == [[:space:]]* ]]; then rest=${rest#?}; [[ -n $rest ]] || COMP_WORDS+=(""); continue; fi
            if [[ $rest == [=:]* ]]; then
                word=${rest%%[!=:]*}
            else
                word=${rest%%[=:[:space:]]*}
            fi
            COMP_WORDS+=("$word")
            rest=${rest#"$word"}
        done
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _corral
        printf '%s\n' "${COMPREPLY[@]}"
        """#

    private static func bash(_ line: String, in directory: String? = nil) throws -> [String] {
        var environment = Program.environment
        let place = Corral.path.split(separator: "/").dropLast().joined(separator: "/")
        environment["PATH"] = "/\(place):\(environment["PATH"] ?? "")"
        let outcome = try Program.run(
            ["bash", "--norc", "-c", bash, "bash", line], environment: environment, directory: directory)
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    @Test(arguments: [
        ("corral ru", ["run"]), ("corral run --net", ["--network"]), ("corral profile sh", ["show"]),
        ("corral run --profile st", ["strict"]), ("corral run --profile=st", ["strict"]),
        ("corral run --network=", ["none", "host"]), ("corral run --network=h", ["host"]),
        ("corral run --network ", ["none", "host"]), ("corral run --image=ho", ["host"]),
        ("corral run -e A=b --network=no", ["none"]), ("corral completion ", ["bash", "zsh", "fish"]),
        ("corral run --memory ", []), ("corral  profile   diff default  st", ["strict"]),
        ("corral run -- sh --", []),
    ])
    func `bash offers what fits`(line: String, words: [String]) throws {
        #expect(try Self.bash(line) == words, "\(line)")
    }

    @Test func `bash offers files, directories and programs where they belong`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("settings.env", "A=1")
        try directory.write("some dir/x", "")
        #expect(try Self.bash("corral run --env-file se", in: directory.path) == ["settings.env"])
        #expect(try Self.bash("corral run --env-file=se", in: directory.path) == ["settings.env"])
        #expect(try Self.bash("corral run --workspace so", in: directory.path) == ["some dir"])
        #expect(try Self.bash("corral run --workspace se", in: directory.path) == [])
        #expect(try Self.bash("corral run sleep se", in: directory.path) == ["settings.env"])
        #expect(try Self.bash("corral run setpri", in: directory.path).contains("setpriv"))
        #expect(try Self.bash("corral run setpri", in: directory.path).contains("settings.env") == false)
    }

    private static let zsh = File.exists("/usr/bin/zsh") || File.exists("/bin/zsh")

    /// The words that `_describe` is given: completion itself takes a terminal.
    @Test(
        .enabled(if: zsh, "skipped: zsh is not installed"),
        arguments: [
            ("run --net", ["--network"]), ("profile sh", ["show"]), ("run --network=h", ["--network=host"]),
        ])
    func `zsh offers what fits`(line: String, words: [String]) throws {
        let script = #"""
            compdef() { : }
            _describe() { for word in "${described[@]}"; do print -r -- "${word%%:*}"; done }
            source <("$1" completion zsh)
            words=("$1" ${=2}) CURRENT=$#words PREFIX=$words[-1]
            _corral
            """#
        let outcome = try Program.run(["zsh", "-f", "-c", script, "zsh", Corral.path, line])
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
        #expect(outcome.output.split(separator: "\n").map(String.init) == words)
    }

    @Test(
        .enabled(if: File.exists("/usr/bin/fish"), "skipped: fish is not installed"),
        arguments: [
            ("run --net", "--network"), ("profile sh", "show"), ("run --network=h", "--network=host"),
        ])
    func `fish offers what fits`(line: String, word: String) throws {
        let script = "\(Corral.path) completion fish | source; complete -C '\(Corral.path) \(line)'"
        let outcome = try Program.run(["fish", "--no-config", "-c", script])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.output.split(separator: "\n").contains { $0.split(separator: "\t").first == word[...] })
    }
}
