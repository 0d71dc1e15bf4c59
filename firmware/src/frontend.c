#include "paritone.h"
