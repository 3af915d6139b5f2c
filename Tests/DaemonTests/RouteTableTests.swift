import API
import Service
import Testing

@testable import Daemon

@Suite struct RouteTableTests {
    @Test func `every operation of the API is served, and nothing else`() {
        #expect(Set(APIRoute.all.map(\.name)) == Set(RouteTable.handlers.keys))
        #expect(RouteTable.routes().map(\.endpoint.name) == APIRoute.all.map(\.name) + ["metricsUnversioned"])
        #expect(RouteTable.routes().last?.endpoint.path == "/metrics")
    }
}
