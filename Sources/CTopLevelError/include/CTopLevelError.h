// What happens to an error that leaves a Swift program's top level. There is nothing to call: to link this is enough.
#pragma once
