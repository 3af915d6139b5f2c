import API
import Access
import Sandbox
import Sessions
import Testing

struct RoleTests {
    @Test func `every operation of the API asks for a right`() {
        for route in APIRoute.all {
            #expect(Right(operation: route.name) != nil, "\(route.name) has no line in Right.operations")
        }
        let names = Set(APIRoute.all.map(\.name))
        #expect(Right.namedOperations.filter { !names.contains($0) } == [], "these are no operations")
        #expect(Right(operation: "format") == nil)
    }

    /// Reading changes nothing.
    @Test func `what a viewer may call only reads`() {
        for route in APIRoute.all {
            guard let right = Right(operation: route.name), right != .open else { continue }
            if Role.viewer.reach(right) != .none { #expect(route.method == .get, "\(route.name)") }
        }
    }

    @Test(arguments: Right.allCases)
    func `a higher role reaches as far as a lower one`(right: Right) {
        let order: [Role.Reach] = [.none, .own, .all]
        let reaches = Role.allCases.map { order.firstIndex(of: $0.reach(right)) ?? -1 }
        #expect(reaches == reaches.sorted())
    }

    /// The whole matrix, by hand: own, another tenant's, and what there is not.
    @Test(arguments: Role.allCases, Right.allCases)
    func `a role may do what the matrix says`(role: Role, right: Right) throws {
        let expected: [Role: [Right: [Decision]]] = [
            .viewer: [.look: [.allowed, .hidden, .hidden]],
            .client: [
                .look: [.allowed, .hidden, .hidden], .contents: [.allowed, .hidden, .hidden],
                .use: [.allowed, .hidden, .hidden], .end: [.allowed, .hidden, .hidden],
            ],
            .operator: [
                .look: [.allowed, .allowed, .hidden], .contents: [.allowed, .allowed, .hidden],
                .use: [.allowed, .hidden, .hidden], .end: [.allowed, .allowed, .hidden],
                .node: [.allowed, .allowed, .hidden],
            ],
        ]
        let caller = Caller(name: "uid 1", role: role, tenant: try Name("acme"))
        let decisions = [
            caller.may(right, about: .tenant(try Name("acme"))),
            caller.may(right, about: .tenant(try Name("other"))), caller.may(right, about: .unknown),
        ]
        let all: [Decision] = [.allowed, .allowed, .hidden]
        let none = [Decision](repeating: .forbidden, count: 3)
        #expect(decisions == (role == .admin || right == .open ? all : expected[role]?[right] ?? none))
    }

    /// Else who may see nothing could still find out what there is.
    @Test(arguments: Role.allCases, Right.allCases)
    func `another tenant's is as unknown as what there is not, to whom it is not shown`(
        role: Role, right: Right
    )
        throws
    {
        let caller = Caller(name: "uid 1", role: role, tenant: try Name("acme"))
        let foreign = caller.may(right, about: .tenant(try Name("other")))
        if foreign != .allowed { #expect(foreign == caller.may(right, about: .unknown)) }
    }

    @Test func `a name of no role is refused with the nearest one`() {
        #expect(throws: ValueError.self) { try Role(named: "root") }
        let error = #expect(throws: ValueError.self) { try Role(named: "opertor") }
        #expect(error.map { "\($0)".contains("operator") } == true)
    }
}
