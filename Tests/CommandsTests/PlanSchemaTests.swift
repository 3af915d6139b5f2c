import TestSupport
import Testing

@testable import Commands

/// What is generated from the tables of plans.
@Suite struct PlanSchemaTests {
    @Test func `the shipped schema is what is generated`() throws {
        let shipped = String(
            decoding: try File.read(Repository.path("profiles/plans/plan.schema.json")), as: UTF8.self)
        #expect(shipped == PlanSchema.text + "\n", "corral plan schema >profiles/plans/plan.schema.json")
    }

    @Test(arguments: [
        (0, 1000, "0.000"), (1, 1000, "0.001"), (3_599_999, 3_600_000, "0.999"),
        (5_400_000, 3_600_000, "1.500"),
    ])
    func `figures of usage are cut behind three decimals`(value: UInt64, unit: UInt64, text: String) {
        #expect(UsageCommand.decimal(value, per: unit) == text)
    }
}
