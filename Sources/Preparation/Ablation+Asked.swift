import Glibc
package import Sandbox

/// The switch that the tests of the layers use: `CORRAL_TEST_WITHOUT=seccomp,masks` leaves layers and
/// mechanisms out. Debug builds only; a release build does not have it.
extension Ablation {
    package static func asked() throws(PreparationError) -> Ablation {
        #if DEBUG
            guard let text = unsafe getenv("CORRAL_TEST_WITHOUT") else { return [] }
            var asked: Ablation = []
            for name in unsafe String(cString: text).split(separator: ",").map(String.init) {
                if let layer = Layer(rawValue: name) {
                    asked.layers.insert(layer)
                } else if let mechanism = Mechanism(rawValue: name) {
                    asked.mechanisms.insert(mechanism)
                } else {
                    throw PreparationError("CORRAL_TEST_WITHOUT: no layer is named \(name)")
                }
            }
            return asked
        #else
            return []
        #endif
    }
}
