// Makes pair_style annpot known to LAMMPS: `plugin load annpotplugin.so`.
//
// The structure is LAMMPS' plugin interface, declared here because installed LAMMPS
// often comes without the header lammpsplugin.h.

#include "lammps.h"
#include "pair_annpot.h"

namespace
{

using namespace LAMMPS_NS;

struct Plugin {
  const char *version, *style, *name, *info, *author;
  union {
    void *(*simple)(LAMMPS *);
    void *(*with_arguments)(LAMMPS *, int, char **);
  } creator;
  void *handle;
};

using Register = void (*)(Plugin *, void *);

void *create(LAMMPS *lmp) { return static_cast<Pair *>(new PairAnnpot(lmp)); }

}    // namespace

extern "C" void lammpsplugin_init(void *lmp, void *handle, void *register_plugin)
{
  Plugin plugin;
  plugin.version = static_cast<LAMMPS *>(lmp)->version;
  plugin.style = "pair";
  plugin.name = "annpot";
  plugin.info = "annpot neural network potentials";
  plugin.author = "the annpot developers";
  plugin.creator.simple = &create;
  plugin.handle = handle;
  reinterpret_cast<Register>(register_plugin)(&plugin, lmp);
}
