"""Chemical symbols; the index of a symbol is its atomic number."""

SYMBOLS = tuple(
    """
    X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn
    Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce
    Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn
    Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl
    Mc Lv Ts Og
    """.split()  # noqa: SIM905  (a list of quoted symbols is harder to read)
)
ATOMIC_NUMBERS = {symbol: z for z, symbol in enumerate(SYMBOLS) if z > 0}


def is_element(symbol):
    """Whether `symbol` is a chemical symbol, in its usual spelling (`Si`)."""
    return symbol in ATOMIC_NUMBERS
