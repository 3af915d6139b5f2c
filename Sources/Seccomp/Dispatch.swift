/// The BPF that tells calls apart by their numbers.
///
/// Neighbouring calls with the same answer are one range, and a binary search over the ranges takes
/// about seven comparisons. Every exec pays for the loading of each instruction, so there are few: what the
/// comparisons lead to is there once, and a single call in the midst of others is one comparison. libseccomp's
/// tree has a leaf for every call instead.
struct Dispatch {
    /// What a range of numbers leads to.
    enum Target: Hashable {
        case answer(Action)
        /// The code of this index, which reads the arguments.
        case code(Int)
    }

    /// A range goes up to where the next one begins.
    struct Range: Hashable {
        var start: UInt32
        var target: Target
    }

    private(set) var program: [Instruction] = []
    /// Jumps to code, by their places in the program.
    private var jumps: [(at: Int, code: Int)] = []

    /// - Parameters:
    ///   - calls: what each number leads to.
    ///   - unnamed: becomes of the numbers between them.
    ///   - newer: becomes of the numbers above all of them.
    init(calls: [UInt32: Target], unnamed: Action, newer: Action) {
        appendArchitecture(unnamed)
        append(Dispatch.stretches(Dispatch.ranges(calls, unnamed: unnamed, newer: newer))[...])
    }

    /// Appends code and leads the jumps there: those to the index that a code has in `codes`.
    mutating func append(codes: [[Instruction]]) {
        for (index, code) in codes.enumerated() {
            // Classic BPF counts from the instruction after the jump.
            for jump in jumps where jump.code == index {
                program[jump.at].k = UInt32(program.count - jump.at - 1)
            }
            program += code
        }
    }

    /// Another ABI (i386 through int 0x80, x32) numbers its calls differently.
    private mutating func appendArchitecture(_ unnamed: Action) {
        program = [
            .load(word: 4), .jump(Instruction.jumpEqual, Syscalls.auditArchitecture, 1, else: 0),
            .answer(Action.killProcess.number), .load(word: 0),
        ]
        // -1 is what a debugger makes of a call that is not to be made: no newer call.
        program += [.jump(Instruction.jumpEqual, .max, 0, else: 1), .answer(unnamed.number)]
        #if arch(x86_64)
            // x32 sets bit 30.
            program += [
                .jump(Instruction.jumpGreaterOrEqual, 0x4000_0000, 0, else: 1),
                .answer(Action.killProcess.number),
            ]
        #endif
    }

    /// Ascending from 0, no two neighbours with the same target.
    static func ranges(_ calls: [UInt32: Target], unnamed: Action, newer: Action) -> [Range] {
        var ranges: [Range] = []
        func add(_ start: UInt32, _ target: Target) {
            if ranges.last?.target != target { ranges.append(Range(start: start, target: target)) }
        }
        var next: UInt32 = 0
        for (number, target) in calls.sorted(by: { $0.key < $1.key }) {
            if next < number { add(next, .answer(unnamed)) }
            add(number, target)
            next = number + 1
        }
        add(next, .answer(newer))
        return ranges
    }

    // MARK: Comparisons

    /// Numbers with one target but for a few, each of which takes one comparison instead of the two that a
    /// range of its own takes.
    private struct Stretch {
        let start: UInt32
        let target: Target
        var exceptions: [Range] = []

        /// Each one lengthens the way of those behind it.
        static let mostExceptions = 4
    }

    private static func stretches(_ ranges: [Range]) -> [Stretch] {
        var stretches: [Stretch] = []
        var index = 0
        while index < ranges.count {
            var stretch = Stretch(start: ranges[index].start, target: ranges[index].target)
            while index + 2 < ranges.count, stretch.exceptions.count < Stretch.mostExceptions,
                ranges[index + 2].target == stretch.target,
                ranges[index + 2].start == ranges[index + 1].start + 1
            {
                stretch.exceptions.append(ranges[index + 1])
                index += 2
            }
            stretches.append(stretch)
            index += 1
        }
        return stretches
    }

    private mutating func append(_ stretches: ArraySlice<Stretch>) {
        let part = Part(stretches)
        if part.fits { return append(part) }
        // A condition jumps over at most 255 instructions, a plain jump over any number.
        let middle = stretches.startIndex + stretches.count / 2
        program.append(.jump(Instruction.jumpGreaterOrEqual, stretches[middle].start, 0, else: 1))
        let jump = program.count
        program.append(.jump(Instruction.jump, 0, 0, else: 0))
        append(stretches[..<middle])
        program[jump].k = UInt32(program.count - jump - 1)
        append(stretches[middle...])
    }

    private mutating func append(_ part: Part) {
        program += part.comparisons(part.stretches, at: 0)
        for target in part.targets {
            switch target {
            case .answer(let action): program.append(.answer(action.number))
            case .code(let index):
                jumps.append((program.count, index))
                program.append(.jump(Instruction.jump, 0, 0, else: 0))
            }
        }
    }

    /// Comparisons, and behind them each of their targets once: a condition may lead to any of them.
    private struct Part {
        let stretches: ArraySlice<Stretch>
        /// In the order in which they come.
        let targets: [Target]
        private let places: [Target: Int]
        private let size: Int

        init(_ stretches: ArraySlice<Stretch>) {
            self.stretches = stretches
            size = Part.size(stretches)
            var targets: [Target] = []
            var places: [Target: Int] = [:]
            for stretch in stretches {
                for target in [stretch.target] + stretch.exceptions.map(\.target) where places[target] == nil
                {
                    places[target] = targets.count
                    targets.append(target)
                }
            }
            (self.targets, self.places) = (targets, places)
        }

        /// Whether the first comparison's jump reaches the last target. One stretch always does.
        var fits: Bool { size + targets.count <= 256 }

        private static func size(_ stretches: ArraySlice<Stretch>) -> Int {
            stretches.reduce(stretches.count - 1) { $0 + $1.exceptions.count }
        }

        /// - Parameter place: of the first of them in this part.
        func comparisons(_ stretches: ArraySlice<Stretch>, at place: Int) -> [Instruction] {
            guard stretches.count > 1 else {
                return stretches.first.map { exceptions(of: $0, at: place) } ?? []
            }
            let middle = stretches.startIndex + stretches.count / 2
            let (lower, upper) = (stretches[..<middle], stretches[middle...])
            let next = place + 1
            let upperPlace = next + Part.size(lower)
            let comparison = Instruction.jump(
                Instruction.jumpGreaterOrEqual, stretches[middle].start,
                distance(from: next, to: upper, at: upperPlace),
                else: distance(from: next, to: lower, at: next))
            return [comparison] + comparisons(lower, at: next) + comparisons(upper, at: upperPlace)
        }

        private func exceptions(of stretch: Stretch, at place: Int) -> [Instruction] {
            stretch.exceptions.enumerated().map { index, exception in
                let next = place + index + 1
                let isLast = index + 1 == stretch.exceptions.count
                return .jump(
                    Instruction.jumpEqual, exception.start, distance(from: next, to: exception.target),
                    else: isLast ? distance(from: next, to: stretch.target) : 0)
            }
        }

        /// To the comparisons of some stretches, or where they need none to their target.
        private func distance(from next: Int, to stretches: ArraySlice<Stretch>, at place: Int) -> UInt8 {
            if Part.size(stretches) == 0, let only = stretches.first {
                return distance(from: next, to: only.target)
            }
            return UInt8(place - next)
        }

        private func distance(from next: Int, to target: Target) -> UInt8 {
            UInt8(size + (places[target] ?? 0) - next)
        }
    }
}
