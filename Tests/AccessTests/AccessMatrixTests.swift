import API
import Access
import TestSupport
import Testing

/// The matrix of docs/access.md, which is made of the code.
struct AccessMatrixTests {
    /// CORRAL_GOLDEN=write writes it.
    @Test func `the matrix in the documentation is the one of the code`() throws {
        let path = Repository.path("docs/access.md")
        let text = String(decoding: try File.read(path), as: UTF8.self)
        let (begin, end) = ("<!-- matrix -->\n", "\n<!-- end of matrix -->")
        let from = try #require(text.firstRange(of: begin)?.upperBound)
        let to = try #require(text[from...].firstRange(of: end)?.lowerBound)
        if Program.ownEnvironment["CORRAL_GOLDEN"] == "write" {
            let parts = [text[..<from], AccessMatrix.table[...], text[to...]]
            try File.write(parts.flatMap { Array($0.utf8) }, to: path)
            return
        }
        #expect(String(text[from..<to]) == AccessMatrix.table, "CORRAL_GOLDEN=write accepts the new one")
    }

    @Test func `every operation has its line`() {
        for route in APIRoute.all {
            #expect(AccessMatrix.table.contains("| `\(route.name)` |"))
        }
    }

    /// What tells somebody that another tenant has something would be a cell that is neither a refusal for
    /// everybody nor the answer for what there is not.
    @Test(arguments: Role.allCases) func `what is not shown is as unknown as what there is not`(role: Role) {
        for route in APIRoute.all where AccessMatrix.isAboutObject(route) {
            let foreign = AccessMatrix.decision(role, route, .foreign)
            let unknown = AccessMatrix.decision(role, route, .unknown)
            #expect(foreign == unknown || foreign == .allowed, "\(route.name)")
            let own = AccessMatrix.decision(role, route, .own)
            #expect(own == AccessMatrix.decision(role, route, .ended), "\(route.name)")
        }
    }
}
