/// The BPF that tells calls apart by their numbers.
///
/// Neighbouring calls with the same answer are one range, and a binary search over the ranges takes
/// about seven comparisons. libseccomp's tree has a leaf for every call instead, and loading it takes
/// the kernel 1.7 times as long, which every exec pays.
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
        append(Dispatch.ranges(calls, unnamed: unnamed, newer: newer)[...])
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

    private mutating func append(_ ranges: ArraySlice<Range>) {
        guard ranges.count > 1 else {
            switch ranges.first?.target {
            case .answer(let action): program.append(.answer(action.number))
            case .code(let index):
                jumps.append((program.count, index))
                program.append(.jump(Instruction.jump, 0, 0, else: 0))
            case nil: break
            }
            return
        }
        let middle = ranges.startIndex + ranges.count / 2
        let size = Dispatch.size(middle - ranges.startIndex)
        // A condition jumps over at most 255 instructions, a plain jump over any number.
        if size <= 255 {
            program.append(
                .jump(Instruction.jumpGreaterOrEqual, ranges[middle].start, UInt8(size), else: 0))
        } else {
            program.append(.jump(Instruction.jumpGreaterOrEqual, ranges[middle].start, 0, else: 1))
            program.append(.jump(Instruction.jump, UInt32(size), 0, else: 0))
        }
        append(ranges[..<middle])
        append(ranges[middle...])
    }

    /// How many instructions tell `count` ranges apart.
    private static func size(_ count: Int) -> Int {
        guard count > 1 else { return count }
        let lower = size(count / 2)
        return (lower <= 255 ? 1 : 2) + lower + size(count - count / 2)
    }
}
