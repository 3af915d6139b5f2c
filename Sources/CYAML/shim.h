// The part of libyaml that Corral uses, for profiles and images.
#include <yaml.h>
