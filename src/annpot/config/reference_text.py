"""The parts of doc/keywords.md that are written by hand."""

INTRODUCTION = """\
# Keywords

Every key of the INI files of the five commands.
This page is made from the schema: `python -m annpot.config.reference` writes it anew.

Names and defaults are those of PANNA 2.0; keys that PANNA does not know are marked
(ours). *result* says whether another value can change the numbers that come out,
*stage* whether a stage of a training may override the key; *default* in words tells
what an unset key means.

- A key or a section that nobody knows, a wrong value or a missing key is an error. All
  errors of a file are told together, each with its line.
- The file with every key written out is saved beside the results of a training.
- Paths are relative to the folder in which the command is started; `~` is your home.
- Energies are in eV, lengths in angstrom unless the file names another unit.

## How an INI file is written

```
# A whole line after # or ; is a comment.
[SECTION]                  # sections: upper and lower case matter
key = value                # keys: they do not; a comment may end a line
key : value                # the same
long = 1, 2,
    3, 4                   # indented lines go on with the value
train_dir = run_%(seed)s   # another key of the same section ...
eval_dir = ${train_dir}    # ... the same ...
data = ${OTHER:key}        # ... and a key of another section
half = 50%%                # a percent sign; $${ writes the two signs ${
```

A key of a section `[DEFAULT]` counts in every section of the file that knows the key
and does not give it itself, as in PANNA. All sections can also refer to it; one that no
section knows is only for that, and an error when nothing refers to it.

`app_gvect_calculator -f DIR` (`--folder_info`) stands for `input_json_dir =
DIR/examples`, `output_gvect_dir = DIR/bin` and `log_dir = DIR`, whatever the file says.

| type | how it is written |
| --- | --- |
| boolean | `True` `yes` `on` `1`, or `False` `no` `off` `0`, in any case |
| integer | `20`, also `20.0` or `1e3`; `20.5` is an error |
| number | `0.01`, `1e-2` |
| comma list | `H, C, O, N`; `-13.6, -1029.5` |
| colon list | `128:32:1`, `1:0:1`, `load:new:new`: one item per layer |
| activation | `linear` `l` `0`, `gaussian` `gauss` `g` `1`, `rbf` `2`, \
`relu` `rl` `3`, `tanh` `th` `4`, in any case |
| a or a-b | `10` or `10-20` |
| duration | seconds, or `90m` `8h` `2d`, or `08:00:00`, or `1-12:00:00` with days |
| accelerator | `auto`, `cpu`, `gpu`, or `gpu:0,1` |
| metric | a column of `metrics.dat`: `MAE/at`, or `val_MAE/at` of the validation data |
| path | `tutorial_data/train` |

An optional key is also unset by an empty value or `None`.
"""

TOPICS = """\
## More about some keys

### Restart modes

| `restart_mode` | what happens |
| --- | --- |
| `default` | goes on from the newest checkpoint of `train_dir` after an interruption; \
starts anew when there is none |
| `force_default` | starts anew; earlier results in `train_dir` are moved aside |
| `continue_from_last_ckpt` | goes on from the newest checkpoint, also from one of \
PANNA 2.0; extends a finished run when `max_epochs` or `max_steps` is raised |
| `specific_ckpt` | goes on from `restart_file`; `restart_epoch` and `restart_step` \
are for checkpoints that do not tell them |
| `metadata` | starts anew from `networks_metadata`, which must be given; `train_dir` \
must hold no checkpoint |
| `no` | starts anew; `train_dir` must hold no checkpoint |

A checkpoint gives weights, optimizer, step, epoch and position in the data; every other
number comes from the INI file.

### Behaviors

Where the first weights of a layer come from:

| `behavior` | weights and biases |
| --- | --- |
| `new` | drawn from (seed, element, layer) |
| `load` | `layerN_w_file` and `layerN_b_file` where given, else `networks_metadata` |
| `keep` | `networks_metadata` (PANNA 1) |

Which of them a run may change is another question: see `trainable`.

What an element's section does not say comes from `[DEFAULT_NETWORK]`, what that does
not say from `networks_metadata`. All lists of an element, inherited ones included,
must speak of the same number of layers.

### Losses

loss = `energy_cost` (energies) + `forces_cost` (forces) + `virial_cost` (virials)
+ L1 and L2 terms.

For a structure of n atoms with an energy error x = E_network - E_reference, S = the sum
of its 3n squared errors of force components, V = the sum of the squared errors of its
virial over the 3 x 3 matrix (xx, yy, zz once; yz, xz, xy twice), in the periodic
directions:

| `loss_function` | loss of the energy |
| --- | --- |
| `quad` | x^2 |
| `quad_atom` | (x / n)^2 |
| `quad_std_atom` | x^2 / n |
| `exp_quad` | exp(p x^2), p = `energy_prefactor` |
| `exp_quad_atom` | exp(p (x / n)^2) |

| `floss_function` | loss of the forces |
| --- | --- |
| `quad` | S |
| `quad_atom` | S / n |
| `quad_percomp` | S / (3n) |
| `exp_quad` | sum of exp(error^2) over the 3n components |

| `vloss_function` | loss of the virial |
| --- | --- |
| `quad` | V |
| `quad_atom` | V / n^2, the virial per atom |
| `quad_std_atom` | V / n |
| `quad_percomp` | V / (9 n^2) |

`energy_weight`, `force_weights` and `virial_weights` divide them further: `n_atoms` by
n, `n_atoms2` by n^2, `3n_atoms` by 3n, `3n_atoms2` by (3n)^2. Losses that divide by n
already take no weight. The reductions take the mean or the sum over the structures of a
batch that have the label; structures without energy, forces or virial are left out of
that part.

### Length of a run

`max_epochs` x `steps_per_epoch` steps, or exactly `max_steps`. An epoch is any number
of steps; validation, metrics and checkpoints happen at its end. `max_steps` alone makes
epochs of max(1, `max_steps` // 10) steps; the last one may be shorter.

### Generations of mBP

The modified Behler-Parrinello functions exist in four published forms with the same
keys:

| `mbp_generation` | angular centres | pairs of one species | epsilon | where found |
| --- | --- | --- | --- | --- |
| 0 | i pi / N | counted twice | 0 | the first tutorial data of PANNA |
| 1 | (i + 1/2) pi / N | counted once | 0 | PANNA's examples of 2019; the ANI AEV |
| 2 | (i + 1/2) pi / N | counted once | 0.01 | PANNA 1 |
| 3 | (i + 1/2) pi / N | counted once | 0.001 | PANNA 2 |

The ANI AEV is generation 1 with `cosine_scale = 0.95` and `radial_prefactor = 0.25`.

### Where PANNA 2.0 does otherwise

- `save_checkpoint_steps` unset means once per epoch, not every `log_frequency` steps.
- `output_type` of app_extract_weights is `PANNA` by default, as its manual says.
- `zeta` may be any positive number; PANNA 2.0 cuts it to an integer.
- A list of etas or zetas that fits neither one value nor all centres is an error, not
  silently its first value.
- `floss_function = exp_quad` counts the components of forces, not the padding of
  smaller structures.
- `force_weights` with `floss_function = quad_atom` or `quad_percomp` is an error: they
  would divide by the atoms twice.
- `dataset_cache` also knows `auto`; `restart_epoch` and `restart_step` are integers.
- `step_number` of app_extract_weights is the exact step.
"""

OLD_NAMES = """\
## Old names

Spellings of PANNA 1 and older; each is told in one line with its present name and gets
the mathematics of PANNA 2.0 (losses are means over the batch, L2 terms are sums of
squares). A file may give an old name or the present one, not both with different
values; over `[PARALLELIZATION]` and `tensorboard_log_frequency` the present name wins.\
"""
