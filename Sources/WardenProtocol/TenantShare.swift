// How tenants share a machine, as corrald and the warden tell each other.

package import Sandbox

/// Whose a sandbox is, and what its sandboxes together weigh beside those of others.
package struct TenantShare: Hashable, Sendable {
    /// The warden makes a part of the name of a cgroup of it.
    package var tenant: String
    /// As `cpu.weight` of cgroup v2: 100 is usual.
    package var weight: UInt32

    package static let weights: ClosedRange<UInt32> = 1...10_000

    package init(_ tenant: String, weight: UInt32) {
        self.tenant = tenant
        self.weight = weight
    }

    func write(to fields: inout FieldWriter) {
        fields.text(tenant)
        fields.word(weight)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(try fields.tenant(), weight: try fields.weight())
    }
}

/// What is in force of a tenant's weight.
package struct WeightState: Hashable, Sendable {
    package var weight: UInt32
    /// Never ``LayerState/partial(_:)``.
    package var cpu: LayerState
    package var io: LayerState

    package init(weight: UInt32, cpu: LayerState, io: LayerState) {
        self.weight = weight
        self.cpu = cpu
        self.io = io
    }

    func write(to fields: inout FieldWriter) {
        fields.word(weight)
        for state in [cpu, io] {
            var why: String?
            if case .off(let text) = state { why = text }
            if case .partial(let text) = state { why = text }
            fields.flag(why != nil)
            if let why { fields.sentence(why) }
        }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        weight = try fields.weight()
        cpu = try fields.flag("cpu") ? .off(try fields.sentence("why")) : .inForce
        io = try fields.flag("io") ? .off(try fields.sentence("why")) : .inForce
    }
}

extension FieldReader {
    /// Nothing that could lead a path elsewhere.
    mutating func tenant() throws(WireProblem) -> String {
        let text = try text("tenant", limit: 63)
        let isFit = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        let isMarked = text.utf8.first.map { $0 < UInt8(ascii: "0") || $0 == UInt8(ascii: "_") } ?? true
        guard isFit, !isMarked else {
            throw .refused("tenant", "1 to 63 of a-z, 0-9, ., _ and -, the first a letter or digit")
        }
        return text
    }

    mutating func weight() throws(WireProblem) -> UInt32 {
        let weight = try word("weight")
        guard TenantShare.weights.contains(weight) else { throw .unknownValue("weight", UInt64(weight)) }
        return weight
    }
}
