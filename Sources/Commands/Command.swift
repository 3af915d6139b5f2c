/// One command: its name, its help, the options it takes and what it does.
///
/// The same table drives parsing and help, so neither can drift from the other.
package struct Command: Sendable {
    /// The words that call it, such as `run` or `image list`.
    package let name: String
    package let summary: String
    /// After the options, as help shows it.
    let operandsHelp: String
    let operands: ClosedRange<Int>
    /// Whether the first operand ends the options, so that those after it are the program's own.
    let stopsAtOperand: Bool
    let options: [Option]
    let details: String
    /// The exit code of a wrong call.
    let usageCode: Int32
    /// Not in the overview: nobody calls it by hand.
    let isHidden: Bool
    let run: @Sendable (Arguments) -> Int32

    struct Option: Sendable {
        /// Without the dashes.
        let name: String
        let short: Character?
        /// The placeholder shown in help; nil for a switch.
        let value: String?
        let repeats: Bool
        let help: String

        init(
            _ name: String, short: Character? = nil, value: String? = nil, repeats: Bool = false, help: String
        ) {
            self.name = name
            self.short = short
            self.value = value
            self.repeats = repeats
            self.help = help
        }
    }

    init(
        _ name: String, summary: String, operandsHelp: String = "", operands: ClosedRange<Int> = 0...0,
        stopsAtOperand: Bool = false, options: [Option] = [], details: String = "",
        usageCode: Int32 = ExitCode.usage, isHidden: Bool = false,
        run: @escaping @Sendable (Arguments) -> Int32
    ) {
        self.name = name
        self.summary = summary
        self.operandsHelp = operandsHelp
        self.operands = operands
        self.stopsAtOperand = stopsAtOperand
        self.options = options + [Option("help", short: "h", help: "show this text")]
        self.details = details
        self.usageCode = usageCode
        self.isHidden = isHidden
        self.run = run
    }
}
