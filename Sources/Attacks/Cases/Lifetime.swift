// Area E: lifetime and kill.

import Sandbox

extension Attack {
    static let lifetime: [Attack] = []
}
