"""x"""
class Extrapolation: pass
class ExtrapolationGuard:
    def __init__(self,*a): pass
