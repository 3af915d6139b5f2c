/// One command: its name, its help, the options it takes and what it does.
///
/// The same table drives parsing, help, man pages and completion, so none can drift from the others.
package struct Command: Sendable {
    /// The words that call it, such as `run` or `image list`.
    package let name: String
    package let summary: String
    /// After the options, as help shows it.
    let operandsHelp: String
    let operands: ClosedRange<Int>
    /// What each operand is; the last one stands for all that follow.
    let operandKinds: [ValueKind]
    /// Whether the first operand ends the options, so that those after it are the program's own.
    let stopsAtOperand: Bool
    let options: [Option]
    /// Lines for a shell, each of which calls this command; help shows them first.
    let examples: [String]
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
        /// Under which heading help has it.
        let group: OptionGroup
        /// What its value is; says nothing of a switch.
        let kind: ValueKind

        /// - Parameter kind: nil for what the placeholder says, see ``ValueKind/init(placeholder:)``.
        init(
            _ name: String, short: Character? = nil, value: String? = nil, repeats: Bool = false,
            help: String, group: OptionGroup = .general, kind: ValueKind? = nil
        ) {
            self.name = name
            self.short = short
            self.value = value
            self.repeats = repeats
            self.help = help
            self.group = group
            self.kind = kind ?? ValueKind(placeholder: value ?? "")
        }
    }

    init(
        _ name: String, summary: String, operandsHelp: String = "", operands: ClosedRange<Int> = 0...0,
        operandKinds: [ValueKind] = [], stopsAtOperand: Bool = false, options: [Option] = [],
        examples: [String] = [], details: String = "", usageCode: Int32 = ExitCode.usage,
        isHidden: Bool = false, run: @escaping @Sendable (Arguments) -> Int32
    ) {
        self.name = name
        self.summary = summary
        self.operandsHelp = operandsHelp
        self.operands = operands
        self.operandKinds = operandKinds
        self.stopsAtOperand = stopsAtOperand
        self.options = options + [Option("help", short: "h", help: "show this text")]
        self.examples = examples
        self.details = details
        self.usageCode = usageCode
        self.isHidden = isHidden
        self.run = run
    }

    /// What the operand at `index` is.
    func operandKind(at index: Int) -> ValueKind {
        guard operands.upperBound > index else { return .text }
        return operandKinds.indices.contains(index) ? operandKinds[index] : operandKinds.last ?? .text
    }

    /// The options under their headings, as help and man pages show them.
    var groups: [(group: OptionGroup, options: [Option])] {
        OptionGroup.allCases.map { group in (group, options.filter { $0.group == group }) }
            .filter { !$0.1.isEmpty }
    }
}

/// A heading of the options of a command that has many.
enum OptionGroup: String, CaseIterable, Sendable {
    case sandbox = "What the program gets"
    case files = "Files"
    case limits = "Limits"
    case report = "Name and report"
    case general = "Options"
}

/// What stands in the place of a value or an operand: what completion offers, and which words are right.
enum ValueKind: Sendable, Hashable {
    /// Anything; there is nothing to offer.
    case text
    case file
    case directory
    /// The name of a profile, or its file.
    case profile
    /// The name of an image.
    case image
    /// The name or the id of a session that a daemon has.
    case session
    /// The name of a workspace that a daemon has.
    case workspace
    /// A program inside, with its arguments.
    case program
    /// The words that call a command of corral.
    case command
    /// One of these and nothing else: parsing refuses others.
    case words([String])

    /// What the placeholders that help shows stand for.
    init(placeholder: String) {
        switch placeholder {
        case "FILE": self = .file
        case "DIR": self = .directory
        case "PROFILE", "NAME|FILE": self = .profile
        case "IMAGE": self = .image
        case "SESSION": self = .session
        case "WORKSPACE": self = .workspace
        default: self = .text
        }
    }
}
